"""Where the fault is: sources of the kernels, stacks and options, by function."""
