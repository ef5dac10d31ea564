echo "file got $1 $2 in $(basename $PWD)"
