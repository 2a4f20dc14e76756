"""The report as one HTML page: its texts, its templates, its styles and scripts."""
