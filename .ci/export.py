"""Read an exported run with pandas.

    export.py docs/export.md DIRECTORY

DIRECTORY holds run.csv, run.jsonl and run.parquet. They must be the same table, and
the page's own code must run on it.
"""

import os
import re
import sys

import pandas as pd


def main():
    with open(sys.argv[1]) as file:
        page = file.read()
    os.chdir(sys.argv[2])
    tables = {
        "csv": pd.read_csv("run.csv", keep_default_na=False),
        "jsonl": pd.read_json("run.jsonl", lines=True),
        "parquet": pd.read_parquet("run.parquet"),
    }
    first = tables["parquet"]
    for name, table in tables.items():
        if list(table.columns) != list(first.columns) or len(table) != len(first):
            sys.exit(f"{name} has {len(table)} rows of {list(table.columns)}, parquet {len(first)} of {list(first.columns)}")
        for column in ("request", "draw", "repeat", "context", "reading"):
            if list(table[column].astype(str)) != list(first[column].astype(str)):
                sys.exit(f"{name} and parquet differ in {column}")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    if not blocks:
        sys.exit("the page has no code")
    for block in blocks:
        claim = first.claims.iloc[0].split()[0].split(",")[0]
        exec(block.replace("54803e9c", claim), {})
    print(f"{len(first)} replies, the same in three formats, read by the page's own code")


main()
