"""The settings of an experiment, each defined once: type, limits, default, meaning and source.

A module for each section of the configuration. The text under a setting says what it means and
where its value comes from; the schema for editors and the tables of ``config/README.md`` are
written from it (:mod:`upwind.settings.documents`), and :mod:`upwind.settings.check` checks a
configuration.
"""
