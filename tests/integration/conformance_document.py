"""Prints CONFORMANCE.md, the tables of conformance/ as a document."""

from conformance.table import document

if __name__ == "__main__":
    print(document(), end="")
