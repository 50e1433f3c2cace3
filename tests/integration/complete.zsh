# driver.zsh FOLDER LINE: what zsh's completion offers at the end of the line, between <BEGIN> and <END>.
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "PS1=; PROMPT_EOL_MARK=; stty -echo; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-grouped false; zstyle ':completion:*' verbose no"
zpty -w inner '
compadd() {
  if [[ -n ${@[(r)-[OAD]]} ]]; then builtin compadd "$@"; return; fi
  local -a found
  builtin compadd -A found "$@"
  print -r -l -- $found
  builtin compadd "$@"
}
offered() { print "<BE""GIN>"; _main_complete; print "<E""ND>"; exit; }
zle -C offered complete-word offered
bindkey "^X" offered
print "rea""dy"'
zpty -r inner line '*ready*'
zpty -n -w inner "$2"$'\C-X'
zpty -r inner line '*<END>*'
print -r -- "$line"
zpty -d inner
