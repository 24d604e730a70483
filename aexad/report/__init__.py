"""From the results of runs to tables, figures and pages."""
