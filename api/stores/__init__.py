"""The ledger's implementations: DynamoDB (the default) and SQL; wiring.py picks one.

Both pass tests/contract/test_ledger.py. erasure.py is what they share.
"""
