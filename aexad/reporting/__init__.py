"""From the results of single runs to tables, figures, panels and one page."""
