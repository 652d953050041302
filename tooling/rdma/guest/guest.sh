# Runs in the guest as root: the network, then every suite named in /share/plan.
now_ms() { read -r up idle </proc/uptime; echo $(( ${up%.*} * 1000 + 1${up#*.} * 10 - 1000 )); }
failed=0
# check TITLE COMMAND…: one test; what it printed is shown when it failed.
check() {
  title=$1
  shift
  began=$(now_ms)
  if "$@" >/tmp/check 2>&1; then
    echo "RESULT pass $(( $(now_ms) - began )) $title"
  else
    echo "RESULT fail $(( $(now_ms) - began )) $title"
    sed 's/^/    /' /tmp/check
    failed=1
  fi
}
. /share/environment.sh
. /share/hosts.sh
while read -r suite limit command; do
  echo "SUITE $suite"
  if [ "$command" = "." ]; then
    . "/share/$suite.sh"
  else
    timeout "$limit" sh -c "$command" </dev/null
    status=$?
    if [ $status != 0 ]; then
      echo "RESULT fail 0 $suite as a whole (exit status $status)"
      failed=1
    fi
  fi
done </share/plan
warnings() { ! dmesg | grep -A 25 -e 'cut here' -e 'BUG:' -e 'Oops' -e 'detected stall' -e 'blocked for more'; }
watchdog_runs() { [ "$(cat /proc/sys/kernel/soft_watchdog)" = 1 ] && [ "$(cat /proc/sys/kernel/watchdog_thresh)" = 30 ]; }
echo "SUITE kernel"
check "its watchdog was on" watchdog_runs
check "the kernel gave no warning" warnings
exit $failed
