"""What every page stands in: the frame, the filters, the palette, the words, the empty states."""
