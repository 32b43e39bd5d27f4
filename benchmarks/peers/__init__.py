"""Other people's queues under the same load: one module each, of the shape in `peer.py`.

They run in an environment of their own (requirements/bench.txt) and import nothing of TaskFlow.
Each runs as its documentation advises for throughput; what survives a crash is said beside it.
"""
