"""What brings the balance back: redrive, reconcile, reprocess, import, erase, retention.

Functions; the commands of the same names are thin. Each is safe to repeat, to interrupt and to
start twice: a lease in the ledger makes one holder the owner, and whoever finds it expired takes over.
"""
