# Run a command in the mount namespace that `unshare` made, as enclosure.py says:
#   enclose.sh WORK SCRATCH SEEN HIDDEN -- COMMAND...     (SEEN and HIDDEN: paths, a line each)
work=$1 scratch=$2 seen=$3 hidden=$4
shift 5
mount --rbind "$work" "$work"
mount --bind "$scratch" "$scratch"
mount -o remount,bind,ro,nosuid,nodev "$work"
IFS='
'
for path in $seen; do
  mount --bind "$path" "$path"
  mount -o remount,bind,ro,nosuid,nodev "$path"
done
for path in $hidden; do
  if [ -d "$path" ]; then
    mount -t tmpfs -o ro,mode=0,size=4k nothing "$path"
  else
    mount --bind /dev/null "$path"
  fi
done
unset IFS
cd "$scratch/work"
# Without capabilities nothing of this can be undone. Not by `exec`: signals do not reach the first
# process of a namespace as they do others.
setpriv --bounding-set=-all --inh-caps=-all -- "$@"
