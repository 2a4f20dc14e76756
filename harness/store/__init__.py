"""Records on disk. The file's name stands here, where looking for results folders imports nothing else."""

FILE_NAME = "trials.sqlite"
