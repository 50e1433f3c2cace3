"""What RFCs and real clients ask of a proxy, row by row, and which test shows it. `table.py` is the place to start."""
