"""What renderers share: page shell, charts, harmless text, words. Pure."""
