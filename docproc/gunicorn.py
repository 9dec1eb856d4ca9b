"""How the production server runs: `gunicorn -c docproc/gunicorn.py docproc.wsgi`.

Threads wait for AWS, processes use the cores. nginx in front holds the slow clients.
https://docs.gunicorn.org/en/stable/settings.html
"""

import multiprocessing
import os

bind = os.environ.get("DOCPROC_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("DOCPROC_WORKERS", "") or multiprocessing.cpu_count())
worker_class = "gthread"
threads = int(os.environ.get("DOCPROC_THREADS", "") or 16)
# SNS waits 15 s; a worker that is silent for twice that hangs.
timeout = 30
# A deploy lets what is in flight finish: the three calls of an invoice take under 15 s.
graceful_timeout = 30
keepalive = 75
accesslog = None
