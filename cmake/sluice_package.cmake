# What a package holds beside the program, and how CPack makes a Debian package of it. The texts are printed by the
# program that is installed, at that time.
include(GNUInstallDirs)
set(printed ${PROJECT_BINARY_DIR}/generated/package)

function(sluice_install_printed file destination)
  string(REPLACE ";" "\" \"" arguments "${ARGN}")
  install(CODE "
    file(MAKE_DIRECTORY \"${printed}\")
    execute_process(COMMAND \"$<TARGET_FILE:sluice>\" \"${arguments}\" OUTPUT_FILE \"${printed}/${file}\"
      COMMAND_ERROR_IS_FATAL ANY)")
  if(file MATCHES "\\.1$")
    install(CODE "execute_process(COMMAND gzip -9nf \"${printed}/${file}\" COMMAND_ERROR_IS_FATAL ANY)")
    set(file ${file}.gz)
  endif()
  install(FILES ${printed}/${file} DESTINATION ${destination})
endfunction()

sluice_install_printed(sluice.service lib/systemd/system install-service)
sluice_install_printed(sluice.1 ${CMAKE_INSTALL_MANDIR}/man1 man)
sluice_install_printed(sluice ${CMAKE_INSTALL_DATADIR}/bash-completion/completions completions bash)
sluice_install_printed(_sluice ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions completions zsh)
sluice_install_printed(sluice.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d completions fish)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_CONTACT "The Sluice authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "live migration between two MongoDB deployments")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
