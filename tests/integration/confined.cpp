// confined RULE PROGRAM [ARGUMENT…]: becomes PROGRAM under one rule of a container or of another network.
//   no-io_uring    the kernel refuses io_uring's system calls, as container runtimes have it
//   no-override    root, too, needs the permissions that a file's mode gives
//   resolver=FILE  FILE stands in the place of /etc/resolv.conf, for this program alone (needs root)
// Must never run the program without its rule: what cannot be set up ends with exit code 125.
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

bool without_io_uring() {
  constexpr auto load = BPF_LD | BPF_W | BPF_ABS;
  constexpr auto if_equal = BPF_JMP | BPF_JEQ | BPF_K;
  sock_filter program[] = {
      BPF_STMT(load, offsetof(seccomp_data, nr)),   BPF_JUMP(if_equal, SYS_io_uring_setup, 3, 0),
      BPF_JUMP(if_equal, SYS_io_uring_enter, 2, 0), BPF_JUMP(if_equal, SYS_io_uring_register, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  };
  sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool without_override() {
  if (::geteuid() != 0) return true;
  return ::prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == 0 &&
         ::prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0) == 0;
}

bool with_resolver(const char* file) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(file, "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
}

bool apply(const std::string& rule) {
  constexpr std::string_view resolver = "resolver=";
  if (rule == "no-io_uring") return without_io_uring();
  if (rule == "no-override") return without_override();
  if (rule.starts_with(resolver)) return with_resolver(rule.c_str() + resolver.size());
  errno = EINVAL;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int cannot = 125;
  if (argc < 3 || !apply(argv[1])) {
    std::fprintf(stderr, "confined: %s: %s\n", argc < 3 ? "RULE PROGRAM" : argv[1], std::strerror(errno));
    return cannot;
  }
  ::execv(argv[2], argv + 2);
  std::fprintf(stderr, "confined: %s: %s\n", argv[2], std::strerror(errno));
  return cannot;
}
