"""The ``poselift`` command: one thin file per subcommand."""
