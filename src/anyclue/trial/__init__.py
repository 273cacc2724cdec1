"""One cell in one guest: kernel, guest, workload, rounds, outcome."""
