"""Import on Spark: an archive of 1e6 to 1e8 documents by the tasks of many machines.

    job.py      the driver: which keys there are, in tasks; the lease, progress, the counts
    worker.py   what runs in Python's workers: keys in, `Importer.run_batch`, counts out
    archive.py  where the keys come from: listings, or an S3 Inventory
    package.sh  the archive that brings project and packages to the workers

Spark hands out keys and counts, nothing else. Each task reads its documents itself, commits them
to the ledger one by one, and puts their rows as one object. A task may therefore be killed, tried
again or run twice at once: what it committed stays, and the ledger tells the next what is there.
"""
