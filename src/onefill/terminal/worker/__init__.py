"""A terminal in a process of its own: the frames, the process, and who starts and replaces it."""
