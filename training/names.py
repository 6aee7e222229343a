# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The known name that is nearest to one that is not, for sentences of refusal."""


def distance(a: str, b: str) -> int:
    """Letters to insert, remove or replace, upper and lower case being one."""
    a, b = a.lower(), b.lower()
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def nearest(name: str, known: list[str]) -> str:
    """The first of the nearest ones."""
    return min(known, key=lambda other: distance(name[:64], other))
