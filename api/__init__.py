"""The service: an invoice's way from an SNS message to a CSV object.

    POST /sns
      1  size and shape          sns.py          bytes -> SnsMessage
      2  trusted?                sns.py          SnsMessage -> verified
      3  which objects?          s3_event.py     Message -> ObjectRefs
      4  read the document       buckets.py          ObjectRef -> bytes
      5  text -> Invoice         invoice_parser  bytes -> Invoice
      6  what happens to it?     decision.py     Seen -> Change, one transaction in stores/
      7  CSV object              buckets.py          row -> immutable object
      8  answer SNS              views.py        Outcome -> status

pipeline.py holds steps 4 to 7 together; records.py has the words of the ledger;
wiring.py is the only place that turns settings into parts.
"""
