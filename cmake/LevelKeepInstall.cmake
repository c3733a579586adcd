# Where `cmake --install` puts the files, and how others find them.
#
# Components: Runtime (program, levelkeep-check, units, docs) and
# Development (libraries, headers, CMake package, pkg-config files).

option(LEVELKEEP_INSTALL "Make install rules" ${PROJECT_IS_TOP_LEVEL})
if(NOT LEVELKEEP_INSTALL)
  return()
endif()

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/LevelKeep")
set(package_build_dir "${PROJECT_BINARY_DIR}/package")

# --- libraries and headers ---
install(TARGETS levelkeep EXPORT LevelKeepTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT Development
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    COMPONENT Development)
install(EXPORT LevelKeepTargets NAMESPACE levelkeep::
  DESTINATION "${package_dir}" COMPONENT Development)
if(LEVELKEEP_BUILD_HTTP)
  install(TARGETS levelkeep_http_lib EXPORT LevelKeepHttpTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT Development
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
      COMPONENT Development)
  install(EXPORT LevelKeepHttpTargets NAMESPACE levelkeep::
    DESTINATION "${package_dir}" COMPONENT Development)
endif()

# --- CMake package ---
configure_package_config_file(cmake/LevelKeepConfig.cmake.in
  "${package_build_dir}/LevelKeepConfig.cmake"
  INSTALL_DESTINATION "${package_dir}"
  PATH_VARS CMAKE_INSTALL_LIBEXECDIR)
# 0.x: a new minor version may change the interface.
write_basic_package_version_file(
  "${package_build_dir}/LevelKeepConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${package_build_dir}/LevelKeepConfig.cmake"
  "${package_build_dir}/LevelKeepConfigVersion.cmake"
  cmake/LevelKeepCctz.cmake
  cmake/LevelKeepHttplib.cmake
  DESTINATION "${package_dir}" COMPONENT Development)

# --- pkg-config ---
# Relative to ${prefix}, so that `pkg-config --define-prefix` can move it.
foreach(kind IN ITEMS LIB INCLUDE LIBEXEC)
  cmake_path(APPEND LEVELKEEP_PC_${kind}DIR
    "\${prefix}" "${CMAKE_INSTALL_${kind}DIR}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}DIR}")
    set(LEVELKEEP_PC_${kind}DIR "${CMAKE_INSTALL_${kind}DIR}")
  endif()
endforeach()
set(LEVELKEEP_PC_ISAL "")
if(LEVELKEEP_WITH_ISAL)
  set(LEVELKEEP_PC_ISAL "-lisal ")
endif()
set(LEVELKEEP_PC_HTTPLIB "")
if(LEVELKEEP_HTTPLIB_BY_PKGCONFIG)
  set(LEVELKEEP_PC_HTTPLIB ", cpp-httplib")
endif()
set(pc_files levelkeep)
if(LEVELKEEP_BUILD_HTTP)
  list(APPEND pc_files levelkeep-http)
endif()
foreach(name IN LISTS pc_files)
  configure_file("cmake/${name}.pc.in" "${package_build_dir}/${name}.pc" @ONLY)
  install(FILES "${package_build_dir}/${name}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT Development)
endforeach()

# --- programs, unit, documents ---
# levelkeep-check is not for people, so that it stays out of the PATH.
install(TARGETS levelkeep-check
  RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/levelkeep"
    COMPONENT Runtime)
if(LEVELKEEP_BUILD_TOOLS)
  install(TARGETS levelkeep-program
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT Runtime)
  configure_file(packaging/levelkeep.service.in
    "${package_build_dir}/levelkeep.service" @ONLY)
  install(FILES "${package_build_dir}/levelkeep.service"
    DESTINATION lib/systemd/system COMPONENT Runtime)
  install(FILES packaging/levelkeep.sysusers.conf
    DESTINATION lib/sysusers.d RENAME levelkeep.conf COMPONENT Runtime)
  install(FILES packaging/man/levelkeep.1
    DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT Runtime)
  install(FILES packaging/completions/levelkeep.bash
    DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
    RENAME levelkeep COMPONENT Runtime)
endif()
# The service's settings, which the installed program finds from any directory.
# An operator's file stays, and only a system-wide installation has one: staged
# or private installations must not write outside their prefix. The image has
# none, because it installs the component Runtime only.
if(LEVELKEEP_BUILD_TOOLS)
  install(CODE "set(levelkeep_settings
    \"${PROJECT_SOURCE_DIR}/packaging/levelkeep.env\")"
    SCRIPT cmake/InstallSettings.cmake COMPONENT Configuration)
endif()
install(FILES LICENSE README.md CHANGELOG.md
  DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT Runtime)
install(DIRECTORY docs/
  DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs" COMPONENT Runtime
  FILES_MATCHING PATTERN "*.md")
