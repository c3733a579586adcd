# levelkeep_module(NAME [FOLDER folder] DEPENDS modules... LIBRARIES targets...)
#
# Makes a static library of a folder under src/ (by default NAME), so that a
# test links only what it tests. The installed library is made of the objects
# of these libraries.
function(levelkeep_module name)
  cmake_parse_arguments(ARG "" "FOLDER" "DEPENDS;LIBRARIES" ${ARGN})
  if(NOT ARG_FOLDER)
    set(ARG_FOLDER ${name})
  endif()
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/src"
    "${CMAKE_CURRENT_SOURCE_DIR}/${ARG_FOLDER}/*.cc")
  if(LEVELKEEP_UNITY STREQUAL "all")
    levelkeep_unity(sources "${PROJECT_SOURCE_DIR}/src" ${name} ${sources})
  else()
    list(TRANSFORM sources PREPEND "${PROJECT_SOURCE_DIR}/src/")
  endif()
  set(target levelkeep_${name})
  add_library(${target} STATIC ${sources})
  levelkeep_compile_options(${target})
  if(LEVELKEEP_BUILD_FUZZERS)
    # An input counts for its effect on the product, not on the tests and their
    # simulated disk.
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>"
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
  list(TRANSFORM ARG_DEPENDS PREPEND levelkeep_)
  target_link_libraries(${target} PUBLIC ${ARG_DEPENDS} ${ARG_LIBRARIES})
endfunction()

# The language level is for all targets; warnings and sanitizers are only on if
# a preset or a cache variable asks for them.
function(levelkeep_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  # GCC 12 warns wrongly about std::string operator+ (GCC bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  # When several sources are compiled at once, a local name in one may be that
  # of a constant in another, and GCC takes each source for a header with an
  # anonymous namespace. Other builds have these warnings.
  if(LEVELKEEP_UNITY STREQUAL "all")
    target_compile_options(${target} PRIVATE -Wno-shadow
      $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
  if(LEVELKEEP_SANITIZE)
    target_compile_options(${target} PUBLIC
      -fsanitize=${LEVELKEEP_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    # The sanitizers' code makes GCC 12 see uninitialised values in the
    # standard library's <regex> and <functional> (GCC bug 105562).
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PUBLIC -Wno-maybe-uninitialized)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${LEVELKEEP_SANITIZE})
  endif()
endfunction()

# levelkeep_unity(VARIABLE ROOT NAME SOURCE...): sets VARIABLE to few files that
# include the sources, so that the headers which they share are compiled once.
# Names of sources are relative to ROOT, a folder of the include path. So the
# files have the same text in every clone, and ccache knows them again. Sources
# with compile definitions are compiled alone, to keep these definitions.
function(levelkeep_unity variable root name)
  set(batch 10)
  set(files)
  foreach(source IN LISTS ARGN)
    get_source_file_property(definitions "${root}/${source}"
      COMPILE_DEFINITIONS)
    if(definitions)
      list(APPEND files "${root}/${source}")
      list(REMOVE_ITEM ARGN "${source}")
    endif()
  endforeach()
  list(LENGTH ARGN count)
  math(EXPR last "(${count} - 1) / ${batch}")
  foreach(number RANGE ${last})
    math(EXPR begin "${number} * ${batch}")
    list(SUBLIST ARGN ${begin} ${batch} sources)
    list(TRANSFORM sources REPLACE "(.+)" "#include \"\\1\"")
    list(JOIN sources "\n" text)
    set(file "${LEVELKEEP_UNITY_FOLDER}/${name}_${number}.cc")
    file(CONFIGURE OUTPUT "${file}" CONTENT "${text}\n" @ONLY)
    list(APPEND files "${file}")
  endforeach()
  set(${variable} ${files} PARENT_SCOPE)
endfunction()

# levelkeep_helper_sources(VARIABLE NAME PATTERN...): sets VARIABLE to the
# sources of a library or program of helpers. In a unity build of the tests,
# these are unity files, too.
function(levelkeep_helper_sources variable name)
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/tests/")
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/tests"
    ${ARGN})
  if(LEVELKEEP_UNITY)
    levelkeep_unity(sources "${PROJECT_SOURCE_DIR}/tests" ${name} ${sources})
  else()
    list(TRANSFORM sources PREPEND "${PROJECT_SOURCE_DIR}/tests/")
  endif()
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()
