#!/usr/bin/env python3
"""other_signature.py IN OUT: the same signed ZIP with another signature of the same statement, made without the key:
of an ECDSA signature (r, s) also (r, n - s) holds."""
import base64
import struct
import sys

ORDERS = {
    32: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    48: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
}


def read(der, at=0):
    """Tag, content, and where the next element begins."""
    length, begin = der[at + 1], at + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(der[at + 2 : begin], "big")
    return der[at], der[begin : begin + length], begin + length


def write(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def other(signature):
    _, numbers, _ = read(signature)
    _, r, at = read(numbers)
    _, s, _ = read(numbers, at)
    order = ORDERS[32 if len(r) <= 33 else 48]
    s = order - int.from_bytes(s, "big")
    return write(0x30, write(2, r) + write(2, s.to_bytes(s.bit_length() // 8 + 1, "big")))


def change_last(der):
    """The signature is the last element of the last element, and so on."""
    elements, at = [], 0
    while at < len(der):
        tag, content, at = read(der, at)
        elements.append((tag, content))
    tag, content = elements[-1]
    elements[-1] = (tag, change_last(content) if tag & 0x20 else other(content))
    return b"".join(write(*element) for element in elements)


with open(sys.argv[1], "rb") as file:
    archive = file.read()
end = archive.rfind(b"PK\5\6") + 20
lines = archive[end + 2 :].decode().split()
text = base64.b64encode(change_last(base64.b64decode("".join(lines[2:-2])))).decode()
body = "\n".join(text[i : i + 64] for i in range(0, len(text), 64))
comment = f"-----BEGIN CMS-----\n{body}\n-----END CMS-----\n".encode()
with open(sys.argv[2], "wb") as file:
    file.write(archive[:end] + struct.pack("<H", len(comment)) + comment)
