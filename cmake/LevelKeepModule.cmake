# levelkeep_module(NAME [FOLDER folder] DEPENDS modules... LIBRARIES targets...)
#
# A folder under src/, NAME unless told otherwise, as a static library of its own, so that a test links
# only what it tests. The installed library is made of their objects.
function(levelkeep_module name)
  cmake_parse_arguments(ARG "" "FOLDER" "DEPENDS;LIBRARIES" ${ARGN})
  if(NOT ARG_FOLDER)
    set(ARG_FOLDER ${name})
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${ARG_FOLDER}/*.cc")
  set(target levelkeep_${name})
  add_library(${target} STATIC ${sources})
  levelkeep_compile_options(${target})
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>"
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
  list(TRANSFORM ARG_DEPENDS PREPEND levelkeep_)
  target_link_libraries(${target} PUBLIC ${ARG_DEPENDS} ${ARG_LIBRARIES})
endfunction()

# Language level for everybody; warnings and sanitizers only where a preset
# or a cache variable asks for them.
function(levelkeep_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  # GCC 12 warns wrongly about std::string operator+ (GCC bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(LEVELKEEP_SANITIZE)
    target_compile_options(${target} PUBLIC
      -fsanitize=${LEVELKEEP_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    # What the sanitizers insert makes GCC 12 see uninitialised values in the
    # standard library's <regex> and <functional> (GCC bug 105562).
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PUBLIC -Wno-maybe-uninitialized)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${LEVELKEEP_SANITIZE})
  endif()
endfunction()
