#!/bin/bash
exec start-notebook.sh "$@"
