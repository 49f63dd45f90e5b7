"""The artifacts and layers of the scene: archive-<name>.zip in a directory, the same bytes each time; small, but over
several blocks, stored and deflated."""

import random
import sys
import zipfile

STAMP = (2026, 1, 1, 0, 0, 0)


def write(path, entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            method = zipfile.ZIP_STORED if "stored" in name else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, STAMP), content, method)


def main(directory):
    choice = random.Random(7)
    for name in ("1", "2", "layer1", "layer2", "layer3"):
        write(f"{directory}/archive-{name}.zip", {
            f"{name}/stored": choice.randbytes(2500),
            f"{name}/deflated": "\n".join(choice.choices(["some", "words", "again"], k=900)) + name,
            "marker": name,
        })


if __name__ == "__main__":
    main(sys.argv[1])
