def draw(result, directory):
    return []
