// ArrayBuffers over native memory.
#pragma once

#include <napi.h>

#include <memory>

#include "../provider.h"

namespace mu::binding {

/// A view of the mapping, which lives as long as the view.
inline Napi::ArrayBuffer view_of(Napi::Env env, std::shared_ptr<Mapping> mapping) {
  auto* keep = new std::shared_ptr<Mapping>(std::move(mapping));
  return Napi::ArrayBuffer::New(
      env, (*keep)->data(), (*keep)->size(),
      [](Napi::Env, void*, std::shared_ptr<Mapping>* kept) { delete kept; }, keep);
}

}  // namespace mu::binding
