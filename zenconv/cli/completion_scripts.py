"""The scripts that switch completion on, one for each shell: they ask ``zenconv`` about the line.

They keep to what old versions of the shells have, macOS's bash 3.2 included.
"""

from __future__ import annotations

_BASH = r"""_zenconv_completion() {
    local kind value line
    line=$(LC_ALL=C; printf '%s.' "${COMP_LINE:0:COMP_POINT}")
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            open) COMPREPLY+=("$value"); compopt -o nospace 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            dir) compopt -o dirnames 2>/dev/null ;;
        esac
    done <<< "$(_ZENCONV_COMPLETE=bash_complete _ZENCONV_LINE="${line%.}" \
        _ZENCONV_BREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)"
    return 0
}
complete -o nosort -F _zenconv_completion zenconv 2>/dev/null || complete -F _zenconv_completion zenconv
"""

_ZSH = r"""#compdef zenconv

_zenconv_completion() {
    local -a answer values shown open_values open_shown
    local kind value help
    answer=("${(@f)$(_ZENCONV_COMPLETE=zsh_complete \
        _ZENCONV_LINE="${(j: :)words[1,CURRENT-1]} ${PREFIX}" "${(Q)words[1]}" 2>/dev/null)}")
    for kind value help in "${(@)answer}"; do
        [[ $help == _ ]] && help=$value || help="$value  -- $help"
        case $kind in
            plain) values+=("$value"); shown+=("$help") ;;
            open) open_values+=("$value"); open_shown+=("$help") ;;
            file) compset -P '*='; _files ;;
            dir) _files -/ ;;
        esac
    done
    (( $#values )) && compadd -l -V zenconv -d shown -a values
    (( $#open_values )) && compadd -l -V zenconv-open -S '' -d open_shown -a open_values
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _zenconv_completion "$@"
else
    compdef _zenconv_completion zenconv
fi
"""

_FISH = r"""function _zenconv_completion
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l line (commandline --cut-at-cursor --current-process | string collect)
    for answer in (_ZENCONV_COMPLETE=fish_complete _ZENCONV_LINE="$line" $words[1] 2>/dev/null)
        set -l parts (string split --max 1 , -- $answer)
        switch $parts[1]
            case dir
                __fish_complete_directories (commandline --current-token --cut-at-cursor)
            case file
                set -l typed (commandline --current-token --cut-at-cursor)
                for path in (__fish_complete_path (string replace --regex '^.*=' '' -- $typed))
                    printf '%s%s\n' $parts[2] $path
                end
            case '*'
                printf '%s\n' $parts[2]
        end
    end
end
complete --no-files --command zenconv --arguments '(_zenconv_completion)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
