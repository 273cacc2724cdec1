"""The recorder: samples this machine while a command runs. Python 3.9, standard library only.

It imports nothing else of anyclue, so that ``make zipapp`` can pack it alone. It parses nothing:
``anyclue.recordings`` reads what it wrote.
"""
