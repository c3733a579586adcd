# Defines httplib::httplib. Debian's cpp-httplib has a .pc file but no CMake
# config, so look for the config first and for the .pc file then. Used by the
# build and by the installed package; sets LevelKeep_httplib_FOUND.

if(NOT TARGET httplib::httplib)
  find_package(httplib CONFIG QUIET)
endif()
if(NOT TARGET httplib::httplib)
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(LEVELKEEP_HTTPLIB QUIET IMPORTED_TARGET GLOBAL
                      cpp-httplib)
  endif()
  if(TARGET PkgConfig::LEVELKEEP_HTTPLIB)
    # An export of an alias would name the target behind the alias.
    add_library(httplib::httplib INTERFACE IMPORTED GLOBAL)
    target_link_libraries(httplib::httplib
      INTERFACE PkgConfig::LEVELKEEP_HTTPLIB)
    set(LEVELKEEP_HTTPLIB_BY_PKGCONFIG TRUE)
  endif()
endif()
if(TARGET httplib::httplib)
  set(LevelKeep_httplib_FOUND TRUE)
else()
  set(LevelKeep_httplib_FOUND FALSE)
endif()
