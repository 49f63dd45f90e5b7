"""What became of each thing that was done, counted; holes are kept and shown."""

OUTCOMES = ["refused", "EIO", "repaired", "without effect", "wrong bytes", "without a record", "crashed"]
BAD = OUTCOMES[4:]


class Tally:
    def __init__(self):
        self.rows, self.holes, self.explained = {}, [], {}

    def note(self, operator, outcome, what, why=""):
        row = self.rows.setdefault(operator, dict.fromkeys(OUTCOMES, 0))
        row[outcome] += 1
        if outcome in BAD:
            self.holes.append(f"{operator} {what}: {outcome} {why}")
        if outcome == "without effect":
            self.explained[why] = self.explained.get(why, 0) + 1

    def add(self, other):
        for operator, row in other.rows.items():
            mine = self.rows.setdefault(operator, dict.fromkeys(OUTCOMES, 0))
            for outcome, count in row.items():
                mine[outcome] += count
        self.holes += other.holes
        for why, count in other.explained.items():
            self.explained[why] = self.explained.get(why, 0) + count

    def print(self, title):
        print(f"{title}: operator: tried, " + ", ".join(OUTCOMES))
        for operator, row in self.rows.items():
            print(f"  {operator}: {sum(row.values())}, " + ", ".join(str(row[o]) for o in OUTCOMES))
        for why, count in sorted(self.explained.items()):
            print(f"  without effect, {count}: {why}")
        for hole in self.holes[:40]:
            print(f"  HOLE {hole}")

    def is_tight(self):
        return not self.holes
