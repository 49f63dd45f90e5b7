"""Copies like wget and unzip do: a failing close goes unnoticed. careless.py FROM TO"""

import os
import sys

with open(sys.argv[1], "rb") as source:
    content = source.read()
out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
for at in range(0, len(content), 16384):
    os.write(out, content[at : at + 16384])
try:
    os.close(out)
except OSError:
    pass
