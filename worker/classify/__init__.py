"""Reply or fault to code: tables, provider knowledge, sentences."""
