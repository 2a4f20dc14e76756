"""What is shown: from the data of a report to figures as descriptions, which say nothing of pixels."""
