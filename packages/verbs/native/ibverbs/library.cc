#include "library.h"

#include <dlfcn.h>

#include <cerrno>

#include "../types.h"

namespace mu::ibverbs {
namespace {

struct Loaded {
  Library functions{};
  bool usable = false;
  std::string problem;
};

template <typename Function>
bool resolve(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

bool resolve_all(void* handle, Library& all) {
  return resolve(handle, "ibv_get_device_list", all.get_device_list) &&
         resolve(handle, "ibv_free_device_list", all.free_device_list) &&
         resolve(handle, "ibv_get_device_name", all.get_device_name) &&
         resolve(handle, "ibv_open_device", all.open_device) &&
         resolve(handle, "ibv_close_device", all.close_device) &&
         resolve(handle, "ibv_query_device", all.query_device) &&
         resolve(handle, "ibv_query_port", all.query_port) &&
         resolve(handle, "ibv_query_gid", all.query_gid) &&
         resolve(handle, "ibv_alloc_pd", all.alloc_pd) &&
         resolve(handle, "ibv_dealloc_pd", all.dealloc_pd) &&
         resolve(handle, "ibv_reg_mr_iova", all.reg_mr_iova) &&
         resolve(handle, "ibv_dereg_mr", all.dereg_mr) &&
         resolve(handle, "ibv_create_comp_channel", all.create_comp_channel) &&
         resolve(handle, "ibv_destroy_comp_channel", all.destroy_comp_channel) &&
         resolve(handle, "ibv_get_cq_event", all.get_cq_event) &&
         resolve(handle, "ibv_ack_cq_events", all.ack_cq_events) &&
         resolve(handle, "ibv_create_cq", all.create_cq) &&
         resolve(handle, "ibv_destroy_cq", all.destroy_cq) &&
         resolve(handle, "ibv_create_ah", all.create_ah) &&
         resolve(handle, "ibv_destroy_ah", all.destroy_ah) &&
         resolve(handle, "ibv_create_qp", all.create_qp) &&
         resolve(handle, "ibv_destroy_qp", all.destroy_qp) &&
         resolve(handle, "ibv_modify_qp", all.modify_qp) &&
         resolve(handle, "ibv_query_qp", all.query_qp);
}

Loaded load() {
  Loaded loaded;
  void* handle = dlopen("libibverbs.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    loaded.problem = dlerror();
    return loaded;
  }
  loaded.usable = resolve_all(handle, loaded.functions);
  if (!loaded.usable) loaded.problem = dlerror();
  return loaded;
}

const Loaded& loaded() {
  // Never destroyed: objects that are closed at exit still call through it.
  static const auto* once = new Loaded(load());
  return *once;
}

}  // namespace

const Library* find_library() { return loaded().usable ? &loaded().functions : nullptr; }

const std::string& library_problem() { return loaded().problem; }

const Library& library() {
  const Library* found = find_library();
  if (found == nullptr) throw VerbsFailure("dlopen", ENOSYS, library_problem());
  return *found;
}

}  // namespace mu::ibverbs
