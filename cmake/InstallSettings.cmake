# `cmake --install` runs this. An operator's file stays. Only a system-wide
# installation has one: other installations must not write outside their prefix.
set(file "$ENV{DESTDIR}/etc/levelkeep/levelkeep.env")
if(NOT CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
  return()
endif()
if(EXISTS "${file}")
  message(STATUS "Up-to-date: ${file}")
  return()
endif()
# file(INSTALL) puts DESTDIR before the path itself.
file(INSTALL "${levelkeep_settings}" DESTINATION /etc/levelkeep
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
