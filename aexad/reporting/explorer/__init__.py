"""The explorer: a page that shows every test image under any two methods, side by side."""
