// A PutRecord that lives as long as the test.

#ifndef LEVELKEEP_TESTS_DESTINATION_KEPT_RECORD_H_
#define LEVELKEEP_TESTS_DESTINATION_KEPT_RECORD_H_

#include <string>

#include "destination/destination.h"

namespace levelkeep::test {

struct KeptRecord : PutRecord {
  Result<std::string> Load() override {
    if (!load.ok()) return load;
    return text;
  }
  Status Save(const std::string& saved) override {
    if (!save.ok()) return save;
    text = saved;
    return Status::Ok();
  }

  std::string text;
  Status load, save;  // not ok: results of Load and Save
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_DESTINATION_KEPT_RECORD_H_
