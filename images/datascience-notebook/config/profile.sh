# Terminals are login shells, for which /etc/profile has set another PATH.
PATH="$VIRTUAL_ENV/bin:$PATH:$HOME/.local/bin"
