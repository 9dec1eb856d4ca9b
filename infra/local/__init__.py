"""Local mode: all of docproc on one machine, on embedded AWS, with the service's own code.

    __main__.py       the demo as a program; `manage.py demo` hands over to it
    demo.py           documents in, outcomes shown      evidence.py  what the system holds then
    system.py         embedded AWS + service, subscribed: `with running(folder) as system`
    service.py        the service as a child process    tether.py    which cannot outlive us
    provision.py      buckets, topic, queue, tables, subscription
    embedded_aws.py   moto's S3, SNS, SQS, DynamoDB     s3_journal.py  versions for its events
    sns_over_http.py  what moto's SNS lacks             sns_messages.py  signed for real
    deliverer.py      posts, retries, buries; its knobs play lost, doubled and late messages
    loopback.py       HTTP on this machine only         credentials.py  never real ones

Everything listens on 127.0.0.1 and posts to it only.
"""
