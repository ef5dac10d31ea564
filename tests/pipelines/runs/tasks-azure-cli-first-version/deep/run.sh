echo in $(basename $PWD) with $1
