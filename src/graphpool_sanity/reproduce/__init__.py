"""The paper: its experiments, studies, tables and numbers."""
