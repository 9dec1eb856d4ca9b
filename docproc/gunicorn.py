"""How the production server runs: `gunicorn -c docproc/gunicorn.py docproc.wsgi`.

Threads wait for AWS, processes use the cores. nginx in front holds the slow clients.
https://docs.gunicorn.org/en/stable/settings.html
"""

import multiprocessing

from docproc import env

bind = env.text("DOCPROC_BIND", "127.0.0.1:8000")
workers = env.integer("DOCPROC_WORKERS", multiprocessing.cpu_count(), low=1, high=256)
worker_class = "gthread"
# A few more than DOCPROC_MAX_IN_FLIGHT, so that a full house still answers strangers and /healthz.
threads = env.integer("DOCPROC_THREADS", 32, low=1, high=256)
# SNS waits 15 s; a worker that is silent for twice that hangs.
timeout = 30
# A deploy lets what is in flight finish: the three calls of an invoice take under 15 s.
graceful_timeout = 30
keepalive = 75
accesslog = None
# Nobody uses it, and two services of one account would share its path.
control_socket_disable = True
