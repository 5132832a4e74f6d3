#!/bin/sh
# What all images do: setup.sh NAME
set -eu
echo "$1" >>/etc/stack
