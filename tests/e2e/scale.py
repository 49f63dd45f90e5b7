#!/usr/bin/env python3
"""Deploys to very many functions.

scale.py functions MNT COUNT ZIP         mkdir and deploy, one function after the other: many-000000 and on
scale.py own MNT COUNT                   the same, each with a ZIP of its own: app.txt has the number
scale.py read MNT COUNT                  reads what own has written, past the kernel's cache, and says what is wrong
scale.py hold MNT COUNT ZIP              opens files for writing until it fails, which is printed with their number;
                                         reads what own has written; writes and closes them all
scale.py turns MNT COUNT DEPLOYMENTS ZIP ZIP   to those in turn, the ZIPs by turns
scale.py uploaders MNT COUNT EACH ZIP ZIP      COUNT processes at once, each to a function of its own
"""
import io
import os
import sys
import zipfile


def slot(mnt, number):
    return f"{mnt}/functions/many-{number:06d}"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def deploy(path, content):
    with open(f"{path}/function.zip", "wb", buffering=0) as file:
        written = file.write(content)
    if written != len(content):
        sys.exit(f"{path}: {written} of {len(content)} bytes")


def functions(mnt, count, archive):
    content = read(archive)
    for number in range(int(count)):
        os.makedirs(slot(mnt, number), exist_ok=True)
        deploy(slot(mnt, number), content)


def own(mnt, count):
    for number in range(int(count)):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("app.txt", f"{number}\n")
        os.makedirs(slot(mnt, number), exist_ok=True)
        deploy(slot(mnt, number), content.getvalue())


def read_uncached(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


def read_own(mnt, count):
    wrong = []
    for number in range(int(count)):
        path = f"{mnt}/run/many-{number:06d}/task/app.txt"
        try:
            text = read_uncached(path).decode()
        except OSError as error:
            text = error.strerror
        if text != f"{number}\n":
            wrong.append(f"{path}: {text}")
    if wrong:
        sys.exit(f"{len(wrong)} of {count}, first {wrong[0]}")


def hold(mnt, count, archive):
    held, content = [], read(archive)
    try:
        while True:
            held.append(open(f"{slot(mnt, len(held))}/function.zip", "wb", buffering=0))
    except OSError as error:
        print(len(held), error.strerror)
    read_own(mnt, count)
    for file in held:
        if file.write(content) != len(content):
            sys.exit(f"{file.name}: not written")
        file.close()


def turns(mnt, count, deployments, *archives):
    contents, count = [read(archive) for archive in archives], int(count)
    for turn in range(int(deployments)):
        deploy(slot(mnt, turn % count), contents[(turn // count + 1) % len(contents)])


def uploaders(mnt, count, each, *archives):
    contents, children = [read(archive) for archive in archives], []
    for number in range(int(count)):
        os.mkdir(slot(mnt, number))
    for number in range(int(count)):
        child = os.fork()
        if child == 0:
            for turn in range(int(each)):
                deploy(slot(mnt, number), contents[(number + turn) % len(contents)])
            os._exit(0)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    if failed:
        sys.exit(f"{len(failed)} of {count} uploaders failed")


{"functions": functions, "hold": hold, "own": own, "read": read_own, "turns": turns, "uploaders": uploaders}[sys.argv[1]](*sys.argv[2:])
