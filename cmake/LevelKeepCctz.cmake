# Defines cctz::cctz. cctz's own build has a CMake config with this target, and
# Debian's package libcctz-dev has none and no .pc file either, so look for the
# config first and for the files then. Used by the build and by the installed
# package; sets LevelKeep_cctz_FOUND.

if(NOT TARGET cctz::cctz)
  find_package(cctz CONFIG QUIET)
endif()
if(NOT TARGET cctz::cctz)
  find_path(LEVELKEEP_CCTZ_INCLUDE_DIR cctz/time_zone.h)
  find_library(LEVELKEEP_CCTZ_LIBRARY cctz)
  mark_as_advanced(LEVELKEEP_CCTZ_INCLUDE_DIR LEVELKEEP_CCTZ_LIBRARY)
  if(LEVELKEEP_CCTZ_INCLUDE_DIR AND LEVELKEEP_CCTZ_LIBRARY)
    add_library(cctz::cctz UNKNOWN IMPORTED GLOBAL)
    set_target_properties(cctz::cctz PROPERTIES
      IMPORTED_LOCATION "${LEVELKEEP_CCTZ_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${LEVELKEEP_CCTZ_INCLUDE_DIR}")
  endif()
endif()
if(TARGET cctz::cctz)
  set(LevelKeep_cctz_FOUND TRUE)
else()
  set(LevelKeep_cctz_FOUND FALSE)
endif()
