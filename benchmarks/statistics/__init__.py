"""The statistics core side by side with numpy and with the packages that quants use, on the same data."""
